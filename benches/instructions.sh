#!/usr/bin/env bash
# Counts the instructions of each work under callgrind and compares them with the table beside this
# script: `benches/instructions.sh [--write]`. Fails where a count has grown by more than 5 %.
#
# A count is the difference of two runs of `count` with other lengths, by the difference of the
# lengths: what the start of a process takes is in both. Instructions and not time, so that a busy
# machine changes nothing. Another compiler does: where its version is not that of the table, the
# counts are shown and nothing is compared.
set -euo pipefail
cd "$(dirname "$0")"
unset LOCKGRAPH LOCKGRAPH_DIR RUSTFLAGS
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0

table=instructions.tsv
target=${CARGO_TARGET_DIR:-$PWD/target}
compiler="$(rustc -V), $(rustc -vV | sed -n 's/^host: //p')"

# build NAME RUSTFLAGS CARGO-ARGS..: builds `count` into a folder of its own.
build() {
    local name=$1 flags=$2
    shift 2
    RUSTFLAGS=$flags CARGO_TARGET_DIR=$target/$name cargo build --quiet --locked --bin count "$@"
}

# run PROGRAM WORK KIND TIMES: the instructions of one run.
run() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# count BUILD FOLDER TIER KIND WORK..: one line of the table for each work.
count() {
    local build=$1 folder=$2 tier=$3 kind=$4 work short long
    shift 4
    for work in "$@"; do
        short=$(LOCKGRAPH=$tier run "$target/$build/$folder/count" "$work" "$kind" 1000)
        long=$(LOCKGRAPH=$tier run "$target/$build/$folder/count" "$work" "$kind" 3000)
        printf '%s\t%s\t%s\t%s\t%s\n' "$build" "$kind" "$tier" "$work" \
            "$(((long - short + 1000) / 2000))"
    done
}

build inline "--cfg lockgraph" --release
build absent "--cfg lockgraph_off" --release
# A user's crate in a debug build, with the profile override that the README asks for and without.
build override "" --config 'profile.dev.package.lockgraph-core.opt-level=3'
build debug ""

now=$(mktemp)
trap 'rm -f "$now"' EXIT
{
    count inline release off plain lock pair depth8 read write try create
    count inline release full tracked lock pair depth8 read write try create edge
    count inline release watch tracked lock pair read
    count inline release off tracked lock pair read
    count inline release off std-plain lock pair read
    count inline release full std-tracked lock pair read
    count absent release off tracked lock pair depth8 read write try create
    for build in override debug; do
        count $build debug off plain lock pair read
        count $build debug full tracked lock pair read
    done
} | tee "$now"

if [ "${1:-}" = --write ]; then
    { echo "# $compiler"; echo "# build, kind, tier, work, instructions"; cat "$now"; } >$table
    exit
fi
if [ "# $compiler" != "$(head -1 $table)" ]; then
    echo "not compared: this is $compiler, the table is of $(head -1 $table)"
    exit
fi
awk -F '\t' '
    /^#/ { next }
    { key = $1 FS $2 FS $3 FS $4 }
    NR == FNR { before[key] = $5; next }
    !(key in before) { print "no such line in the table: " key; bad = 1; next }
    # One more is no growth: some counts are but a few.
    $5 > before[key] * 1.05 && $5 > before[key] + 1 {
        print "grown from " before[key] " to " $5 ": " key
        bad = 1
    }
    END { exit bad }
' $table "$now" || { echo "instructions have grown (benches/instructions.sh --write takes them on)"; exit 1; }
echo "no count has grown by more than 5 %"
