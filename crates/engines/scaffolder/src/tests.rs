mod azure;
mod forge;
mod host;
mod neighbours;
mod pace;
mod previews;
mod recovery;
mod tasks;
