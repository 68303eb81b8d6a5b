//! Tables of rules: what packs and indexes are held to is numbered, and each number is stable.

/// Makes an enum of a table of rules. A row is a name, a number, how bad it is to break the rule (a variant of the
/// `Severity` that is in scope), and what it asks for.
macro_rules! rules {
    (
        $(#[$about:meta])*
        pub enum $Rule:ident {
            $($name:ident = $id:literal, $severity:ident, $asks:literal;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Rule {
            $(
                #[doc = $asks]
                $name,
            )*
        }

        impl $Rule {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its number: stable, and never given to another rule.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }

            /// How bad it is to break it.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }

            /// What it asks for.
            #[must_use]
            pub fn asks(self) -> &'static str {
                match self { $(Self::$name => $asks),* }
            }
        }

        impl std::fmt::Display for $Rule {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.id())
            }
        }

        impl serde::Serialize for $Rule {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }
    };
}

pub(crate) use rules;
