use super::*;

#[tokio::test]
async fn batches_keep_order_and_duplicates() {
    let (region, _) = ten_seconds();
    region.set_multi([("a", 1), ("b", 2)]).await.unwrap();
    region.set(("space", "a"), 3).await.unwrap();
    let keys = [Key::from("b"), ("space", "a").into(), "x".into(), "b".into(), "a".into()];
    let found = region.get_multi::<u64>(keys).await.unwrap();
    assert_eq!(found, [Some(2), Some(3), None, Some(2), Some(1)]);
    assert_eq!(region.get_multi::<u64>([""; 0]).await.unwrap(), []);
    region.set_multi([("", 0); 0]).await.unwrap();
    region.delete_multi(["a", "b", "a"]).await.unwrap();
    region.delete_multi([""; 0]).await.unwrap();
    assert_eq!(region.get_multi::<u64>(["a", "b"]).await.unwrap(), [None, None]);
    assert_eq!(region.in_flight(), 0);
}

#[tokio::test]
async fn empty_batches_do_not_ask_the_store() {
    let (region, store) = flaky(false);
    region.get_multi::<u8>([""; 0]).await.unwrap();
    region.set_multi([("", 0_u8); 0]).await.unwrap();
    region.delete_multi([""; 0]).await.unwrap();
    assert_eq!(store.asked.load(SeqCst), 0);
}

#[tokio::test]
async fn batches_of_the_same_keys_in_any_order_never_block_each_other() {
    let region: Numbers = Memo::new().region();
    let (forth, back) = (["a", "b", "c", "d"], ["d", "c", "b", "a"]);
    let tasks: Vec<_> = (0..50)
        .flat_map(|n| [(n, forth), (n, back)])
        .map(|(n, keys)| {
            let region = region.clone();
            tokio::spawn(async move { region.set_multi(keys.map(|key| (key, n))).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(region.in_flight(), 0);
}
