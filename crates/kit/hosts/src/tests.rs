//! URLs by tables; reading against a small server that speaks Azure DevOps' items API.

mod devops;
mod reading;
mod urls;
