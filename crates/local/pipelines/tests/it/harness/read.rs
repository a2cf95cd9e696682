//! What tests read of a run.

use serde_json::{Value, json};

use super::{Scene, eventually};

impl Scene {
    /// Records of one kind: name to record.
    pub(crate) async fn records(&self, build: &Value, kind: &str) -> Vec<Value> {
        let timeline = self.get(&format!("build/builds/{}/timeline", build["id"])).await;
        let all = timeline["records"].as_array().unwrap().clone();
        all.into_iter().filter(|it| it["type"] == kind).collect()
    }

    /// The record of a step, by name.
    pub(crate) async fn step(&self, build: &Value, name: &str) -> Value {
        let all = self.records(build, "Task").await;
        let found = all.iter().find(|it| it["name"] == name);
        found
            .unwrap_or_else(|| panic!("no step {name} in {all:#?}"))
            .clone()
    }

    /// The log of a step, without the times.
    pub(crate) async fn log(&self, build: &Value, name: &str) -> String {
        let record = self.step(build, name).await;
        let text = self
            .get(&format!(
                "build/builds/{}/logs/{}",
                build["id"], record["log"]["id"]
            ))
            .await;
        let text = text.as_str().unwrap_or_default().to_owned();
        let lines = text
            .lines()
            .map(|line| line.split_once(' ').map_or("", |(_, rest)| rest));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// All logs, for a failed assertion.
    pub(crate) async fn everything(&self, build: &Value) -> String {
        let mut all = String::new();
        for record in self.records(build, "Task").await {
            let words = format!(
                "--- {} {} {}\n",
                record["name"], record["result"], record["issues"]
            );
            all.push_str(&words);
            if let Some(log) = record["log"]["id"].as_i64() {
                let text = self
                    .get(&format!("build/builds/{}/logs/{log}", build["id"]))
                    .await;
                all += text.as_str().unwrap_or_default();
            }
        }
        for record in self.records(build, "Job").await {
            let words = format!(
                "job {} {} {}\n",
                record["name"], record["result"], record["issues"]
            );
            all.push_str(&words);
        }
        all
    }

    pub(crate) async fn assert_result(&self, build: &Value, expected: &str) {
        assert_eq!(
            build["result"],
            expected,
            "{build:#}\n{}",
            self.everything(build).await
        );
    }

    /// Waits until a step is under way.
    pub(crate) async fn step_runs(&self, build: i64, name: &str) {
        let build = json!({"id": build});
        eventually("the step runs", async || {
            let all = self.records(&build, "Task").await;
            all.iter()
                .any(|it| it["name"] == name && it["state"] == "inProgress")
                .then_some(())
        })
        .await;
    }
    /// Kills the agent of the only job.
    pub(crate) fn kill_agent(&self) {
        let jobs = std::fs::read_dir(self.file("pipelines/jobs")).unwrap();
        let job = jobs.flatten().next().unwrap();
        let text = std::fs::read_to_string(job.path().join("agent.json")).unwrap();
        let process: Value = serde_json::from_str(&text).unwrap();
        let pid = i32::try_from(process["pid"].as_i64().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}
