pub(crate) fn run(_c: crate::cli::Check) -> Result<(), crate::failure::Failure> { Ok(()) }
