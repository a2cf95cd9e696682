mod arm;
mod engine;
mod kubernetes;
mod local;
mod pure;
mod world;
