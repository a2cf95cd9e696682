// Stands in for what a library names only in the helpers for its own tests.
export default undefined;
