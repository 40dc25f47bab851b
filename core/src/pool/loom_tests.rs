//! Every interleaving of threads that take numbers and give them back.

use super::*;
use loom::sync::Arc;
use loom::thread;

/// Takes a number, and says so in its value.
fn take(pool: &Pool<AtomicU64>, me: u64) -> u32 {
    let number = pool.take(|| AtomicU64::new(0)).unwrap();
    let before = pool.at(number).unwrap().swap(me, Ordering::Relaxed);
    assert_eq!(before, 0, "{number} is somebody else's");
    number
}

fn give_back(pool: &Pool<AtomicU64>, number: u32) {
    // Relaxed: that the next one sees it is what the pool promises.
    pool.at(number).unwrap().swap(0, Ordering::Relaxed);
    pool.give_back(number);
}

#[test]
fn a_number_is_taken_by_one() {
    loom::model(|| {
        let pool = Arc::new(Pool::new());
        let (one, two) = (take(&pool, 1), take(&pool, 1));
        give_back(&pool, one);
        give_back(&pool, two);
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || {
                // Between the two steps of the other thread the head is the same again, and what is
                // below it is not.
                let top = take(&pool, 2);
                take(&pool, 2);
                give_back(&pool, top);
            }
        });
        take(&pool, 1);
        take(&pool, 1);
        other.join().unwrap();
    });
}

#[test]
fn a_segment_is_put_in_its_place_by_one() {
    loom::model(|| {
        let pool = Arc::new(Pool::new());
        let other = thread::spawn({
            let pool = Arc::clone(&pool);
            move || take(&pool, 2)
        });
        let mine = take(&pool, 1);
        assert_ne!(other.join().unwrap(), mine);
    });
}
