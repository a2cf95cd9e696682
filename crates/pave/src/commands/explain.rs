pub(crate) fn run(_c: &str) -> Result<(), crate::failure::Failure> { Ok(()) }
