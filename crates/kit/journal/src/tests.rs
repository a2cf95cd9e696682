use futures::{StreamExt, pin_mut};
use pave_names::{RoadId, State, Station};

use super::*;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

#[tokio::test]
async fn a_hop_keeps_its_start_and_supersedes_itself() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(&directory.path().join("journal.db")).unwrap();
    let road = RoadId::random();
    let first = Hop::new(road.clone(), Station::Task, "task/1", State::Running, at(1));
    let commit = Hop::new(road.clone(), Station::Commit, "commit/a", State::Ok, at(2));
    let done = Hop::new(road.clone(), Station::Task, "task/1", State::Ok, at(3));
    assert_eq!(journal.record(first).await.unwrap(), 1);
    assert_eq!(journal.record(commit).await.unwrap(), 2);
    assert_eq!(journal.record(done.clone()).await.unwrap(), 3);
    assert_eq!(
        journal.record(done).await.unwrap(),
        3,
        "the same again records nothing"
    );
    let hops = journal.road(&road).await.unwrap();
    let told: Vec<_> = hops
        .iter()
        .map(|hop| (hop.station, hop.state, hop.started_at.as_second()))
        .collect();
    assert_eq!(
        told,
        [(Station::Task, State::Ok, 1), (Station::Commit, State::Ok, 2)]
    );
    assert_eq!(
        journal.find("commit/a").await.unwrap(),
        std::slice::from_ref(&road)
    );
    assert_eq!(journal.roads(10).await.unwrap()[0].road, road);
}

#[tokio::test]
async fn events_replay_and_go_on_live_without_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::open(&directory.path().join("journal.db")).unwrap();
    let road = RoadId::random();
    for second in 1..=3 {
        let subject = format!("task/{second}");
        journal
            .record(Hop::new(
                road.clone(),
                Station::Task,
                subject,
                State::Ok,
                at(second),
            ))
            .await
            .unwrap();
    }
    let events = journal.events(1);
    pin_mut!(events);
    assert_eq!(events.next().await.unwrap().sequence, 2);
    assert_eq!(events.next().await.unwrap().sequence, 3);
    journal
        .record(Hop::new(road, Station::Claim, "claim/a/b", State::Ok, at(4)))
        .await
        .unwrap();
    assert_eq!(events.next().await.unwrap().subject, "claim/a/b");
}
