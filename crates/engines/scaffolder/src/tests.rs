mod neighbours;
mod previews;
mod recovery;
mod tasks;
