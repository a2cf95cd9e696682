mod azure;
mod forge;
mod host;
mod neighbours;
mod previews;
mod recovery;
mod tasks;
