//! The functions that are proven.

/// Functions that must have no path to a panic, each with a proof of its own.
///
/// They are never inlined, so that the optimizer cannot use what a caller knows about the arguments.
macro_rules! proven {
    ($(
        $(#[$attribute:meta])*
        fn $name:ident $(<$($lifetime:lifetime),+>)? ($($argument:tt)*) -> $answer:ty { $($body:tt)* }
    )*) => {$(
        $(#[$attribute])*
        #[cfg_attr(proof, no_panic::no_panic)]
        #[inline(never)]
        fn $name $(<$($lifetime),+>)? ($($argument)*) -> $answer { $($body)* }
    )*};
}

/// Calls functions with arguments that the optimizer cannot know, and uses their results.
macro_rules! call {
    ($($name:path: $($argument:expr),*;)*) => {$(
        let _used = std::hint::black_box($name($(std::hint::black_box($argument)),*));
    )*};
}
