//! Columns.

use std::io::{self, Write};

/// Writes rows with their columns aligned, after an indent, without blanks at the ends of lines.
pub(crate) fn write<const N: usize>(
    out: &mut impl Write,
    indent: usize,
    rows: &[[String; N]],
) -> io::Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let mut line = " ".repeat(indent);
        // A column that is empty in every row takes no room.
        for (cell, width) in row.iter().zip(widths).filter(|&(_, width)| width > 0) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned_by_characters_and_empty_ones_left_out() {
        let mut out = Vec::new();
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        let rows = [row(["a", "", "süß", "x"]), row(["bcd", "", "y", ""])];
        super::write(&mut out, 2, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  a    süß  x\n  bcd  y\n");
    }
}
