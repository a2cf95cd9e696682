//! Who wants to hear of what, and who has not yet.

use pave_store::StoreError;
use rusqlite::params;
use uuid::Uuid;

use super::rows::{json_at, read_push, read_subscription};
use super::{Delivery, SUBSCRIPTION, Store, Subject, Subscription};

impl Store {
    pub(crate) async fn add_subscription(&self, subscription: Subscription) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO subscription (id, organization, event_type, body, secret, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        subscription.id.to_string(),
                        subscription.organization,
                        subscription.event_type,
                        subscription.body.to_string(),
                        subscription.secret,
                        subscription.created_at
                    ],
                )?;
                Ok(())
            })
            .await
    }

    pub(crate) async fn subscriptions(&self, organization: &str) -> Result<Vec<Subscription>, StoreError> {
        let organization = organization.to_lowercase();
        self.database
            .read(move |connection| {
                let sql = format!("SELECT {SUBSCRIPTION} FROM subscription WHERE lower(organization) = ?1 ORDER BY created_at, id");
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map([organization], |row| read_subscription(row, 0))?;
                rows.collect()
            })
            .await
    }

    pub(crate) async fn delete_subscription(&self, organization: &str, id: Uuid) -> Result<bool, StoreError> {
        let organization = organization.to_lowercase();
        self.database
            .write(move |tx| {
                let sql = "DELETE FROM subscription WHERE id = ?1 AND lower(organization) = ?2";
                Ok(tx.execute(sql, params![id.to_string(), organization])? == 1)
            })
            .await
    }

    /// For each subscription the oldest event it has not taken, if it is time to try.
    pub(crate) async fn due(&self, now: i64) -> Result<Vec<Delivery>, StoreError> {
        self.database
            .read(move |connection| {
                let sql = format!(
                    "SELECT delivery.id, delivery.attempts, {SUBSCRIPTION}, push.id, push.repository_id, push.pusher,
                            push.updates, push.created_at, event.id, event.created_at, event.body
                     FROM delivery JOIN subscription ON subscription.id = delivery.subscription_id
                                   LEFT JOIN push ON push.id = delivery.push_id
                                   LEFT JOIN event ON event.id = delivery.event_id
                     WHERE delivery.due_at <= ?1 AND delivery.id IN
                       (SELECT min(id) FROM delivery WHERE state = 'owed' GROUP BY subscription_id)"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement.query_map([now], |row| {
                    Ok(Delivery {
                        id: row.get(0)?,
                        attempts: row.get(1)?,
                        subscription: read_subscription(row, 2)?,
                        subject: match row.get::<_, Option<i64>>(13)? {
                            Some(event) => Subject::Pull(event, row.get(14)?, json_at(row, 15)?),
                            None => Subject::Push(Box::new(read_push(row, 8)?)),
                        },
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// When the next attempt is due, in milliseconds.
    pub(crate) async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        self.database
            .read(|connection| {
                let sql = "SELECT min(due_at) FROM delivery WHERE id IN
                             (SELECT min(id) FROM delivery WHERE state = 'owed' GROUP BY subscription_id)";
                connection.query_row(sql, [], |row| row.get(0))
            })
            .await
    }

    pub(crate) async fn delivered(&self, id: i64) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                tx.execute(
                    "UPDATE delivery SET state = 'taken', problem = '' WHERE id = ?1",
                    [id],
                )?;
                // Who wants to know what was delivered lately finds the last thousand.
                tx.execute(
                    "DELETE FROM delivery WHERE state <> 'owed' AND id <= ?1 - 1000",
                    [id],
                )?;
                Ok(())
            })
            .await
    }

    pub(crate) async fn postpone(
        &self,
        id: i64,
        until: i64,
        problem: String,
        give_up: bool,
    ) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                tx.execute(
                    "UPDATE delivery SET attempts = attempts + 1, due_at = ?2, problem = ?3,
                            state = CASE WHEN ?4 THEN 'given up' ELSE state END WHERE id = ?1",
                    params![id, until, problem, give_up],
                )?;
                Ok(())
            })
            .await
    }
}
