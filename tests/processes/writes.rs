//! What one process does while another one creates.

use crate::process::Site;

const LONG: u32 = 5000;

#[test]
fn a_write_in_another_process_wins_over_a_creation() {
    for site in Site::both() {
        let (mut one, mut other) = (site.process(LONG), site.process(LONG));
        for (write, key, left) in [
            ("delete a", "a", "nothing"),
            ("set b written", "b", "written"),
            ("invalidate", "c", "nothing"),
        ] {
            one.ask(&format!("ask {key} created 1"), "creating");
            assert_eq!(other.ask(&format!("locked {key}"), "locked"), "true");
            other.ask(write, "done");
            one.tell("go");
            assert_eq!(one.hear("got"), format!("{key} created"), "its own caller gets it");
            for process in [&mut one, &mut other] {
                assert_eq!(process.get(key), left, "{write}");
            }
            assert_eq!(other.ask(&format!("locked {key}"), "locked"), "false");
            // The gate of this one stays open.
            one.finish();
            one = site.process(LONG);
        }
        one.finish();
        other.finish();
        assert!(site.is_unlocked());
    }
}

#[test]
fn who_waits_in_another_process_is_served_by_a_write() {
    for site in Site::both() {
        let (mut one, mut other) = (site.process(LONG), site.process(LONG));
        one.ask("ask key created 1", "creating");
        other.ask("ask key never 10", "asked");
        let mut third = site.process(LONG);
        third.ask("set key written", "done");
        assert_eq!(other.hear("got"), "key written");
        one.tell("go");
        assert_eq!(one.hear("got"), "key created");
        assert_eq!(third.get("key"), "written");
        assert!(other.made().is_empty());
    }
}
