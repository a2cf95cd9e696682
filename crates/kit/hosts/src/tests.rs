//! URLs by tables; reading against small servers that speak Azure DevOps' items API or Git.

mod devops;
mod files;
mod fresh;
mod reading;
mod served;
mod urls;
