//! Lets cargo build and name `packctl` for the end-to-end tests.

fn main() -> std::process::ExitCode {
    packctl::main()
}
