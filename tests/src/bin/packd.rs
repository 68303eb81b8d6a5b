//! Lets cargo build and name `packd` for the end-to-end tests.

fn main() -> std::process::ExitCode {
    packd::main()
}
