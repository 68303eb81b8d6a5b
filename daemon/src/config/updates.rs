//! What packd brings to newer versions by itself.

use super::Health;
use super::section::section;

section! {
    /// Packs that are brought to newer versions without being asked for.
    struct Updates {
        /// How the host is asked whether it is well after packd updated packs by itself: at once, and `every`
        /// so often for as long as `watch_for`. Each of `commands` must succeed (`command` for a single one),
        /// and with `tests` the own tests of the packs that changed, on what is active now. If one fails, packd
        /// goes back to the generation before, and passes these versions over until there are newer ones.
        health: Health = Health::default();
    }
}
