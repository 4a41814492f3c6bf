//! Everybody at once.

use crate::process::{Process, Site, made_by_all};

const LONG: u32 = 5000;

#[test]
fn a_cold_key_is_created_once_for_all_processes_and_tasks() {
    for site in Site::both() {
        let mut processes: Vec<Process> = (0..4).map(|_| site.process(LONG)).collect();
        for (n, process) in processes.iter_mut().enumerate() {
            process.tell(&format!("ask key by{n} 50"));
        }
        for process in &mut processes {
            process.hear("asked");
        }
        // Whoever it is goes on only now, when all two hundred wait.
        for process in &mut processes {
            process.tell("go");
        }
        let got: Vec<String> = processes.iter_mut().map(|process| process.hear("got")).collect();
        assert!(got.iter().all(|each| *each == got[0]), "all have the same: {got:?}");
        let made = made_by_all(&mut processes);
        assert_eq!(made.into_iter().collect::<Vec<_>>(), [("key".to_owned(), 1)]);
        assert!(processes.iter_mut().all(|process| process.get("key") == got[0][4..]));
        processes.into_iter().for_each(Process::finish);
        assert!(site.is_unlocked());
    }
}

#[test]
fn overlapping_batches_create_each_key_once_and_never_block_each_other() {
    const KEYS: usize = 30;
    const BATCHES: usize = 12;
    for site in Site::both() {
        let mut processes: Vec<Process> = (0..4).map(|_| site.process(LONG)).collect();
        for round in 0..BATCHES {
            for (n, process) in processes.iter_mut().enumerate() {
                // Half of all keys, from another beginning each time, in either direction.
                let first = (n * 11 + round * 7) % KEYS;
                let mut keys: Vec<usize> =
                    (0..KEYS / 2).map(|step| (first + step) % KEYS).collect();
                if (n + round) % 2 == 0 {
                    keys.reverse();
                }
                let keys: Vec<String> = keys.iter().map(|key| format!("k{key}")).collect();
                process.tell(&format!("batch {}", keys.join(" ")));
            }
        }
        for process in &mut processes {
            for _ in 0..BATCHES {
                assert_eq!(process.hear("got").split(' ').count(), KEYS / 2);
            }
        }
        let made = made_by_all(&mut processes);
        assert_eq!(made.len(), KEYS);
        assert!(made.values().all(|times| *times == 1), "{made:?}");
        processes.into_iter().for_each(Process::finish);
        assert!(site.is_unlocked());
    }
}
