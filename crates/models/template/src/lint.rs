use pave_diagnostic::Diagnostics; 
/// x
pub fn lint()->Diagnostics{vec![]}
/// x
pub fn place_in(){}
