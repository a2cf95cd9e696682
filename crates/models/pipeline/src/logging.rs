//! What a line on standard output asks the agent for: `##vso[area.action key=value;…]data`.

use crate::Outcome;

/// A request that a step made by printing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggingCommand {
    /// `task.setvariable`
    SetVariable {
        /// Name.
        name: String,
        /// Value.
        value: String,
        /// Whether it is secret.
        secret: bool,
        /// Whether other jobs see it as `step.name`.
        output: bool,
        /// Whether later steps may not change it.
        read_only: bool,
    },
    /// `task.setsecret`: masks a value.
    SetSecret(String),
    /// `task.complete`
    Complete {
        /// How the step ended.
        outcome: Outcome,
        /// Why.
        message: String,
    },
    /// `task.logissue`
    LogIssue {
        /// Whether it is an error, else a warning.
        error: bool,
        /// What.
        message: String,
        /// File.
        source_path: Option<String>,
        /// Line.
        line: Option<u32>,
        /// Column.
        column: Option<u32>,
        /// Code.
        code: Option<String>,
    },
    /// `task.setprogress`
    SetProgress {
        /// 0 to 100.
        percent: u32,
        /// What it is doing.
        operation: String,
    },
    /// `task.logdetail`: a record of its own in the timeline.
    LogDetail {
        /// Properties as given.
        properties: Vec<(String, String)>,
        /// What.
        message: String,
    },
    /// `task.uploadsummary`: a Markdown file.
    UploadSummary(String),
    /// `task.uploadfile`: a file beside the log.
    UploadFile(String),
    /// `task.addattachment`
    AddAttachment {
        /// Type.
        kind: String,
        /// Name.
        name: String,
        /// File.
        path: String,
    },
    /// `task.prependpath`
    PrependPath(String),
    /// `task.setendpoint`
    SetEndpoint {
        /// Service connection.
        id: String,
        /// `authParameter`, `dataParameter` or `url`.
        field: String,
        /// Key.
        key: String,
        /// Value, which is secret.
        value: String,
    },
    /// `artifact.upload`
    ArtifactUpload {
        /// Folder in the artifact.
        container_folder: String,
        /// Name.
        artifact: String,
        /// File or directory.
        path: String,
    },
    /// `artifact.associate`
    ArtifactAssociate {
        /// Name.
        artifact: String,
        /// Type.
        kind: String,
        /// Where it is.
        location: String,
    },
    /// `build.updatebuildnumber` and `release.updatereleasename`
    UpdateBuildNumber(String),
    /// `build.addbuildtag`
    AddBuildTag(String),
    /// `build.uploadlog`
    UploadLog(String),
    /// A command that is not known; upstream warns and goes on.
    Unknown(String),
}

/// Reads a logging command, which may follow other text on its line.
#[must_use]
pub fn logging_command(line: &str) -> Option<LoggingCommand> {
    let inside = &line[line.find("##vso[")? + "##vso[".len()..];
    let (head, data) = inside.split_once(']')?;
    let data = unescape(data.trim_end_matches(['\r', '\n']));
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = Properties::read(properties);
    let name = name.to_ascii_lowercase();
    name.contains('.').then(|| command(&name, &properties, data))
}

fn command(name: &str, properties: &Properties, data: String) -> LoggingCommand {
    match name {
        "task.setvariable" => LoggingCommand::SetVariable {
            name: properties.text("variable"),
            value: data,
            secret: properties.flag("issecret"),
            output: properties.flag("isoutput"),
            read_only: properties.flag("isreadonly"),
        },
        "task.setsecret" => LoggingCommand::SetSecret(data),
        "task.complete" => LoggingCommand::Complete {
            outcome: outcome(&properties.text("result")),
            message: data,
        },
        "task.logissue" => LoggingCommand::LogIssue {
            error: properties.text("type").eq_ignore_ascii_case("error"),
            message: data,
            source_path: properties.get("sourcepath"),
            line: properties.number("linenumber"),
            column: properties.number("columnnumber"),
            code: properties.get("code"),
        },
        "task.setprogress" => LoggingCommand::SetProgress {
            percent: properties.number("value").unwrap_or_default().min(100),
            operation: data,
        },
        "task.logdetail" => LoggingCommand::LogDetail {
            properties: properties.0.clone(),
            message: data,
        },
        "task.uploadsummary" => LoggingCommand::UploadSummary(data),
        "task.uploadfile" => LoggingCommand::UploadFile(data),
        "task.addattachment" => LoggingCommand::AddAttachment {
            kind: properties.text("type"),
            name: properties.text("name"),
            path: data,
        },
        "task.prependpath" => LoggingCommand::PrependPath(data),
        "task.setendpoint" => LoggingCommand::SetEndpoint {
            id: properties.text("id"),
            field: properties.text("field"),
            key: properties.text("key"),
            value: data,
        },
        _ => of_the_run(name, properties, data),
    }
}

fn of_the_run(name: &str, properties: &Properties, data: String) -> LoggingCommand {
    match name {
        "artifact.upload" => LoggingCommand::ArtifactUpload {
            container_folder: properties.text("containerfolder"),
            artifact: properties.text("artifactname"),
            path: data,
        },
        "artifact.associate" => LoggingCommand::ArtifactAssociate {
            artifact: properties.text("artifactname"),
            kind: properties.text("type"),
            location: data,
        },
        "build.updatebuildnumber" | "release.updatereleasename" => LoggingCommand::UpdateBuildNumber(data),
        "build.addbuildtag" => LoggingCommand::AddBuildTag(data),
        "build.uploadlog" => LoggingCommand::UploadLog(data),
        _ => LoggingCommand::Unknown(name.to_owned()),
    }
}

fn outcome(word: &str) -> Outcome {
    match word.to_ascii_lowercase().as_str() {
        "succeededwithissues" => Outcome::SucceededWithIssues,
        "failed" => Outcome::Failed,
        "canceled" | "cancelled" => Outcome::Canceled,
        "skipped" => Outcome::Skipped,
        _ => Outcome::Succeeded,
    }
}

struct Properties(Vec<(String, String)>);

impl Properties {
    fn read(text: &str) -> Self {
        let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(key, value)| (key.trim().to_ascii_lowercase(), unescape(value)))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<String> {
        self.0
            .iter()
            .find(|(name, value)| name == key && !value.is_empty())
            .map(|(_, value)| value.clone())
    }

    fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.text(key).trim().eq_ignore_ascii_case("true")
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.get(key)?.trim().parse().ok()
    }
}

fn unescape(text: &str) -> String {
    text.replace("%3B", ";")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%5D", "]")
        .replace("%AZP25", "%")
}

/// How a line is meant to look: `##[group]Name` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// Opens a foldable group.
    Group,
    /// Closes it.
    EndGroup,
    /// A heading.
    Section,
    /// A command line.
    Command,
    /// For debugging.
    Debug,
    /// A warning.
    Warning,
    /// An error.
    Error,
}

/// The format of a line with the rest of it, where one is asked for.
#[must_use]
pub fn line_format(line: &str) -> Option<(LineFormat, &str)> {
    let (word, rest) = line.strip_prefix("##[")?.split_once(']')?;
    let format = match word {
        "group" => LineFormat::Group,
        "endgroup" => LineFormat::EndGroup,
        "section" => LineFormat::Section,
        "command" => LineFormat::Command,
        "debug" => LineFormat::Debug,
        "warning" => LineFormat::Warning,
        "error" => LineFormat::Error,
        _ => return None,
    };
    Some((format, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let found = logging_command(line).map(|command| format!("{command:?}"));
        assert_eq!(found.unwrap_or_default(), expected, "{line}");
    }

    #[test]
    fn lines_that_ask_for_something() {
        check("hello", "");
        check("##vso[x]y", "");
        check(
            "##vso[task.setvariable variable=a;isOutput=true;issecret=false]one%0Atwo%AZP25",
            r#"SetVariable { name: "a", value: "one\ntwo%", secret: false, output: true, read_only: false }"#,
        );
        check(
            "stamp ##vso[task.setvariable variable=b;isreadonly=True;]x]y",
            r#"SetVariable { name: "b", value: "x]y", secret: false, output: false, read_only: true }"#,
        );
        check("##vso[task.setsecret]pw\r", r#"SetSecret("pw")"#);
        check(
            "##vso[task.complete result=SucceededWithIssues;]done",
            r#"Complete { outcome: SucceededWithIssues, message: "done" }"#,
        );
        check(
            "##vso[task.logissue type=error;sourcepath=a%3Bb.tf;linenumber=3;columnnumber=4;code=X]bad",
            r#"LogIssue { error: true, message: "bad", source_path: Some("a;b.tf"), line: Some(3), column: Some(4), code: Some("X") }"#,
        );
        check(
            "##vso[task.setprogress value=150]half",
            r#"SetProgress { percent: 100, operation: "half" }"#,
        );
        check(
            "##vso[task.addattachment type=terraform-plan-results;name=p;]/tmp/p.json",
            r#"AddAttachment { kind: "terraform-plan-results", name: "p", path: "/tmp/p.json" }"#,
        );
        check(
            "##vso[artifact.upload containerfolder=f;artifactname=drop]/tmp/x",
            r#"ArtifactUpload { container_folder: "f", artifact: "drop", path: "/tmp/x" }"#,
        );
        check(
            "##vso[build.updatebuildnumber]1.2.3",
            r#"UpdateBuildNumber("1.2.3")"#,
        );
        check("##vso[build.addbuildtag]v1", r#"AddBuildTag("v1")"#);
        check("##vso[task.prependpath]/opt/bin", r#"PrependPath("/opt/bin")"#);
        check("##vso[task.uploadsummary]/a.md", r#"UploadSummary("/a.md")"#);
        check("##vso[task.nonsense]x", r#"Unknown("task.nonsense")"#);
    }

    #[test]
    fn what_is_escaped_reads_back() {
        check(
            "##vso[task.addattachment type=a%3Bb%5Dc%AZP25d%0D%0A%AZP253B;name=n;]x",
            r#"AddAttachment { kind: "a;b]c%d\r\n%3B", name: "n", path: "x" }"#,
        );
    }

    #[test]
    fn formats_of_lines() {
        assert_eq!(
            line_format("##[group]Install"),
            Some((LineFormat::Group, "Install"))
        );
        assert_eq!(line_format("##[x]"), None);
    }
}
