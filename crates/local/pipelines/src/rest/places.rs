//! The routes, under the fixed ids by which clients look them up.

use pave_devops::ResourceLocation;

const fn at(area: &'static str, id: &'static str, resource: &'static str, template: &'static str) -> ResourceLocation {
    ResourceLocation { area, id, resource, template }
}

/// Everything that is answered here.
pub(crate) const LOCATIONS: &[ResourceLocation] = &[
    at("build", "dbeaf647-6167-421a-bda9-c9327b25e2e6", "Definitions", "{project}/_apis/build/{resource}/{definitionId}"),
    at("build", "0cd358e1-9217-4d94-8269-1c1ee6f93dcf", "Builds", "{project}/_apis/build/{resource}/{buildId}"),
    at("build", "8baac422-4c6e-4de5-8532-db96d92acffa", "Timeline", "{project}/_apis/build/builds/{buildId}/{resource}/{timelineId}"),
    at("build", "35a80daf-7f30-45fc-86e8-6b813d9c90df", "logs", "{project}/_apis/build/builds/{buildId}/{resource}/{logId}"),
    at("build", "1db06c96-014e-44e1-ac91-90b2d4b3e984", "artifacts", "{project}/_apis/build/builds/{buildId}/{resource}"),
    at("build", "f2192269-89fa-4f94-baf6-8fb128c55159", "attachments", "{project}/_apis/build/builds/{buildId}/{resource}/{type}"),
    at("build", "af5122d3-3438-485e-a25a-2dbbfde84ee6", "attachments", "{project}/_apis/build/builds/{buildId}/{timelineId}/{recordId}/{resource}/{type}/{name}"),
    at("build", "6e6114b2-8161-44c8-8f6c-c5505782427f", "tags", "{project}/_apis/build/builds/{buildId}/{resource}/{*tag}"),
    at("build", "b8aac6c9-744b-46e1-88fc-3550969f9313", "stages", "{project}/_apis/build/builds/{buildId}/{resource}/{stageRefName}"),
    at("build", "398c85bc-81aa-4822-947c-a194a05f0fef", "authorizedresources", "{project}/_apis/build/{resource}"),
    at("pipelines", "28e1305e-2afe-47bf-abaf-cbb0e6a91988", "pipelines", "{project}/_apis/{resource}/{pipelineId}"),
    at("pipelines", "7859261e-d2e9-4a68-b820-a5d84cc5bb3d", "runs", "{project}/_apis/pipelines/{pipelineId}/{resource}/{runId}"),
    at("pipelines", "fb1b6d27-3957-43d5-a14b-a2d70403e545", "logs", "{project}/_apis/pipelines/{pipelineId}/runs/{runId}/{resource}/{logId}"),
    at("pipelines", "53df2d18-29ea-46a9-bee0-933540f80abf", "preview", "{project}/_apis/pipelines/{pipelineId}/{resource}"),
    at("pipelines", "37794717-f36f-4d78-b2bf-4dc30d0cfbcd", "approvals", "{project}/_apis/pipelines/{resource}/{approvalId}"),
    at("pipelines", "86c8381e-5aee-4cde-8ae4-25c0c7f5eaea", "configurations", "{project}/_apis/pipelines/checks/{resource}/{id}"),
    at("pipelines", "b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2", "pipelinePermissions", "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}"),
    at("distributedtask", "f5b09dd5-9d54-45a1-8b5a-1c8287d634cc", "variablegroups", "{project}/_apis/distributedtask/{resource}/{groupId}"),
    at("distributedtask", "ef5b7057-ffc3-4c77-bbad-c10b4a4abcc7", "variablegroups", "_apis/distributedtask/{resource}/{groupId}"),
    at("distributedtask", "8572b1fc-2482-47fa-8f74-7e3ed53ee54b", "environments", "{project}/_apis/distributedtask/{resource}/{environmentId}"),
    at("distributedtask", "51bb5d21-4305-4ea6-9dbb-b7488af73334", "environmentdeploymentrecords", "{project}/_apis/distributedtask/environments/{environmentId}/{resource}"),
    at("distributedtask", "900fa995-c559-4923-aae7-f8424fe4fbea", "queues", "{project}/_apis/distributedtask/{resource}/{queueId}"),
    at("distributedtask", "a8c47e17-4d56-4a56-92bb-de7ea7dc65be", "pools", "_apis/distributedtask/{resource}/{poolId}"),
    at("distributedtask", "69a319f4-28c1-4bfd-93e6-ea0ff5c6f1a2", "oidctoken", "{project}/_apis/distributedtask/hubs/{hubName}/plans/{planId}/jobs/{jobId}/{resource}"),
    at("serviceendpoint", "e85f1c62-adfc-4b74-b618-11a150fb195e", "endpoints", "{project}/_apis/serviceendpoint/{resource}/{endpointId}"),
    at("serviceendpoint", "14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0", "endpoints", "_apis/serviceendpoint/{resource}/{endpointId}"),
    at("serviceendpoint", "cc63bb57-2a5f-4a7a-b79c-c142d308657e", "endpointproxy", "{project}/_apis/serviceendpoint/{resource}"),
];
