use super::*;

const MIGRATIONS: &[&str] = &["CREATE TABLE item (name TEXT PRIMARY KEY)"];

#[tokio::test]
async fn writes_are_read_back_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    let database = Database::open(&path, MIGRATIONS).unwrap();
    database
        .write(|tx| tx.execute("INSERT INTO item VALUES ('a')", []))
        .await
        .unwrap();
    drop(database);
    let database = Database::open(
        &path,
        &[MIGRATIONS[0], "ALTER TABLE item ADD COLUMN size INTEGER"],
    )
    .unwrap();
    let names: Vec<String> = database
        .read(|db| {
            db.prepare("SELECT name FROM item")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
        .await
        .unwrap();
    assert_eq!(names, ["a"]);
    assert!(matches!(
        Database::open(&path, MIGRATIONS),
        Err(StoreError::Newer {
            found: 2,
            known: 1,
            ..
        })
    ));
}

#[tokio::test]
async fn an_error_undoes_only_its_own_work() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("a.db"), MIGRATIONS).unwrap();
    let good = database.write(|tx| tx.execute("INSERT INTO item VALUES ('a')", []));
    let bad = database.write(|tx| {
        tx.execute("INSERT INTO item VALUES ('b')", [])?;
        tx.execute("INSERT INTO item VALUES ('b')", [])
    });
    let (good, bad) = tokio::join!(good, bad);
    assert!(good.is_ok() && bad.is_err());
    let count: i64 = database
        .read(|db| db.query_row("SELECT count(*) FROM item", [], |row| row.get(0)))
        .await
        .unwrap();
    assert_eq!(count, 1);
}
