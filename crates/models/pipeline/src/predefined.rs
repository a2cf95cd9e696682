//! Variables that every run has.

/// What is known about a run, a job and an agent. Empty texts are left out of the list.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `https://host/organization/`
    pub collection_uri: String,
    /// Project: name and id.
    pub project: (String, String),
    /// Definition: id and name.
    pub definition: (String, String),
    /// Build id.
    pub build_id: String,
    /// Run number.
    pub build_number: String,
    /// Why it runs, upstream's word: `Manual`, `IndividualCI`, `BatchedCI`, `Schedule`, `PullRequest`, ….
    pub reason: String,
    /// Who caused it: name, id and mail address.
    pub requested_for: (String, String, String),
    /// Who queued it: name and id.
    pub queued_by: (String, String),
    /// Full reference name.
    pub source_branch: String,
    /// Commit.
    pub source_version: String,
    /// First line of the commit message.
    pub source_version_message: String,
    /// Repository: name, id, URL.
    pub repository: (String, String, String),
    /// Pull request that is built.
    pub pull_request: Option<PullRequestFacts>,
    /// Orchestration plan and timeline ids.
    pub plan_id: String,
    /// Stage name.
    pub stage: String,
    /// Stage's display name.
    pub stage_display_name: String,
    /// Attempt of the stage.
    pub stage_attempt: u32,
    /// Job as written in the file (upstream: phase).
    pub phase: String,
    /// Name of the leg; `__default` without a matrix.
    pub job: String,
    /// Job's display name.
    pub job_display_name: String,
    /// Attempt of the job.
    pub job_attempt: u32,
    /// Id of the job.
    pub job_id: String,
    /// `{agent work}/{number}`; empty before an agent has taken the job.
    pub build_directory: String,
    /// Directories of the agent: home, work, temporary, tools.
    pub agent_directories: (String, String, String, String),
    /// Agent: id, name, machine.
    pub agent: (String, String, String),
    /// Environment of a deployment: name, id, resource.
    pub environment: (String, String, String),
    /// Version of the agent.
    pub agent_version: String,
    /// Token of the run; secret.
    pub access_token: String,
    /// Whether debugging output is asked for.
    pub debug: bool,
}

/// The pull request that is built.
#[derive(Clone, Debug, Default)]
pub struct PullRequestFacts {
    /// Id.
    pub id: String,
    /// Full name of its source branch.
    pub source_branch: String,
    /// Full name of its target branch.
    pub target_branch: String,
    /// Head of the source branch.
    pub source_commit: String,
}

/// A predefined variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredefinedVariable {
    /// Name.
    pub name: &'static str,
    /// Value.
    pub value: String,
    /// Whether it is masked and kept out of the environment.
    pub secret: bool,
}

impl Facts {
    /// Where a job asks for a federated token; empty before there is a job.
    #[must_use]
    pub fn oidc_request_uri(&self) -> String {
        if self.plan_id.is_empty() || self.job_id.is_empty() {
            return String::new();
        }
        format!(
            "{}{}/_apis/distributedtask/hubs/build/plans/{}/jobs/{}/oidctoken",
            self.collection_uri, self.project.1, self.plan_id, self.job_id
        )
    }
}

/// The predefined variables that follow from the facts.
#[must_use]
pub fn predefined(facts: &Facts) -> Vec<PredefinedVariable> {
    let mut list = List(Vec::new());
    of_system(facts, &mut list);
    of_build(facts, &mut list);
    of_agent(facts, &mut list);
    list.0
}

struct List(Vec<PredefinedVariable>);

impl List {
    fn add(&mut self, name: &'static str, value: &str) {
        if !value.is_empty() {
            self.0.push(PredefinedVariable {
                name,
                value: value.to_owned(),
                secret: name == "System.AccessToken",
            });
        }
    }
}

fn of_system(facts: &Facts, list: &mut List) {
    list.add("System.CollectionUri", &facts.collection_uri);
    list.add("System.TeamFoundationCollectionUri", &facts.collection_uri);
    list.add("System.TeamFoundationServerUri", &facts.collection_uri);
    list.add("System.TaskDefinitionsUri", &facts.collection_uri);
    list.add("System.TeamProject", &facts.project.0);
    list.add("System.TeamProjectId", &facts.project.1);
    list.add("System.DefinitionId", &facts.definition.0);
    list.add("System.DefinitionName", &facts.definition.1);
    list.add("System.HostType", "build");
    list.add("System.ServerType", "Hosted");
    list.add("System.PlanId", &facts.plan_id);
    list.add("System.TimelineId", &facts.plan_id);
    list.add("System.JobId", &facts.job_id);
    list.add("System.JobName", &facts.job);
    list.add("System.JobDisplayName", &facts.job_display_name);
    list.add("System.JobAttempt", &facts.job_attempt.max(1).to_string());
    list.add("System.PhaseName", &facts.phase);
    list.add("System.PhaseAttempt", &facts.job_attempt.max(1).to_string());
    list.add("System.StageName", &facts.stage);
    list.add("System.StageDisplayName", &facts.stage_display_name);
    list.add("System.StageAttempt", &facts.stage_attempt.max(1).to_string());
    list.add("System.AccessToken", &facts.access_token);
    list.add("System.Debug", if facts.debug { "true" } else { "false" });
    list.add("System.OidcRequestUri", &facts.oidc_request_uri());
    if !facts.phase.is_empty() {
        list.add(
            "System.JobIdentifier",
            &format!("{}.{}", facts.stage, facts.phase),
        );
    }
    if let Some(pull) = &facts.pull_request {
        list.add("System.PullRequest.PullRequestId", &pull.id);
        list.add("System.PullRequest.SourceBranch", &pull.source_branch);
        list.add("System.PullRequest.TargetBranch", &pull.target_branch);
        list.add(
            "System.PullRequest.TargetBranchName",
            pull.target_branch
                .strip_prefix("refs/heads/")
                .unwrap_or(&pull.target_branch),
        );
        list.add("System.PullRequest.SourceCommitId", &pull.source_commit);
        list.add("System.PullRequest.SourceRepositoryURI", &facts.repository.2);
    }
    list.add("Environment.Name", &facts.environment.0);
    list.add("Environment.Id", &facts.environment.1);
    list.add("Environment.ResourceName", &facts.environment.2);
    list.add("TF_BUILD", "True");
}

fn of_build(facts: &Facts, list: &mut List) {
    list.add("Build.BuildId", &facts.build_id);
    list.add("Build.BuildNumber", &facts.build_number);
    if !facts.build_id.is_empty() {
        list.add(
            "Build.BuildUri",
            &format!("vstfs:///Build/Build/{}", facts.build_id),
        );
    }
    list.add("Build.DefinitionName", &facts.definition.1);
    list.add("Build.DefinitionVersion", "1");
    list.add("Build.Reason", &facts.reason);
    list.add("Build.RequestedFor", &facts.requested_for.0);
    list.add("Build.RequestedForId", &facts.requested_for.1);
    list.add("Build.RequestedForEmail", &facts.requested_for.2);
    list.add("Build.QueuedBy", &facts.queued_by.0);
    list.add("Build.QueuedById", &facts.queued_by.1);
    list.add("Build.SourceBranch", &facts.source_branch);
    list.add("Build.SourceBranchName", short_branch(&facts.source_branch));
    list.add("Build.SourceVersion", &facts.source_version);
    list.add(
        "Build.SourceVersionMessage",
        facts.source_version_message.lines().next().unwrap_or_default(),
    );
    list.add("Build.ContainerId", &facts.build_id);
    list.add("Build.Repository.Name", &facts.repository.0);
    list.add("Build.Repository.ID", &facts.repository.1);
    list.add("Build.Repository.Uri", &facts.repository.2);
    list.add("Build.Repository.Provider", "TfsGit");
    list.add("Build.Repository.Clean", "False");
}

fn of_agent(facts: &Facts, list: &mut List) {
    let (home, work, temporary, tools) = &facts.agent_directories;
    list.add("Agent.Id", &facts.agent.0);
    list.add("Agent.Name", &facts.agent.1);
    list.add("Agent.MachineName", &facts.agent.2);
    list.add("Agent.JobName", &facts.job_display_name);
    list.add("Agent.HomeDirectory", home);
    list.add("Agent.WorkFolder", work);
    list.add("Agent.RootDirectory", work);
    list.add("Agent.Version", &facts.agent_version);
    list.add("Agent.TempDirectory", temporary);
    list.add("Agent.ToolsDirectory", tools);
    if facts.build_directory.is_empty() {
        return;
    }
    let below = |folder: &str| format!("{}/{folder}", facts.build_directory);
    list.add("Agent.OS", "Linux");
    list.add(
        "Agent.OSArchitecture",
        if cfg!(target_arch = "aarch64") {
            "ARM64"
        } else {
            "X64"
        },
    );
    list.add("Agent.JobStatus", "Succeeded");
    list.add("Agent.BuildDirectory", &facts.build_directory);
    list.add("Pipeline.Workspace", &facts.build_directory);
    list.add("System.DefaultWorkingDirectory", &below("s"));
    list.add("System.ArtifactsDirectory", &below("a"));
    list.add("Build.SourcesDirectory", &below("s"));
    list.add("Build.Repository.LocalPath", &below("s"));
    list.add("Build.ArtifactStagingDirectory", &below("a"));
    list.add("Build.StagingDirectory", &below("a"));
    list.add("Build.BinariesDirectory", &below("b"));
    list.add("Common.TestResultsDirectory", &below("TestResults"));
}

/// What `Build.SourceBranchName` is: the last part of a branch; for pull requests `merge`.
fn short_branch(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_become_variables() {
        let facts = Facts {
            collection_uri: "https://host/org/".to_owned(),
            source_branch: "refs/heads/feature/x".to_owned(),
            build_directory: "/agent/1".to_owned(),
            access_token: "t".to_owned(),
            pull_request: Some(PullRequestFacts {
                id: "7".to_owned(),
                target_branch: "refs/heads/main".to_owned(),
                ..PullRequestFacts::default()
            }),
            ..Facts::default()
        };
        let list = predefined(&facts);
        let get = |name: &str| {
            list.iter()
                .find(|one| one.name == name)
                .map(|one| one.value.as_str())
        };
        for (name, expected) in [
            ("System.DefaultWorkingDirectory", Some("/agent/1/s")),
            ("Build.SourcesDirectory", Some("/agent/1/s")),
            ("Build.SourceBranchName", Some("x")),
            ("System.PullRequest.TargetBranchName", Some("main")),
            ("Pipeline.Workspace", Some("/agent/1")),
            ("System.JobAttempt", Some("1")),
            ("System.Debug", Some("false")),
            ("System.JobIdentifier", None),
            ("Environment.Name", None),
            ("TF_BUILD", Some("True")),
        ] {
            assert_eq!(get(name), expected, "{name}");
        }
        let secret: Vec<&str> = list.iter().filter(|one| one.secret).map(|one| one.name).collect();
        assert_eq!(secret, ["System.AccessToken"]);
    }
}
