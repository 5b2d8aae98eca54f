//! The traits of the public types beyond their purpose, and their sizes.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::mem::size_of;

use arrayvec::ArrayVec;
use uwsgi::framing::{FramingError, RequestFraming};
use uwsgi::{
    Array, ArrayEncoder, Content, ContentError, ContentErrorKind, ControlVar, DecodeError, DecodeErrorKind,
    EncodeError, EncodeErrorKind, Foreign, GetAll, Header, HeaderName, HeaderPolicy, Headers, Items, Iter, Limits,
    Modifier1, Packet, Pairs, PayloadForm, Request, Scheme, Standing, Vars, VarsBuf, VarsEncoder,
};

/// A type that goes to any thread and any task.
fn free<T: Send + Sync + Unpin + Debug>() {}

/// A plain value: copied, compared and used as a key.
fn plain<T: Copy + Eq + Hash + Send + Sync + Unpin + Debug + 'static>() {}

/// An error that any program can pass on.
fn error<T: Error + Display + Copy + Eq + Hash + Send + Sync + Unpin>() {}

#[test]
fn public_types_go_to_any_thread() {
    free::<Array<'_>>();
    free::<ArrayEncoder<'_, [u8]>>();
    free::<ArrayEncoder<'_, ArrayVec<u8, 16>>>();
    free::<ArrayEncoder<'_, Vec<u8>>>();
    free::<Content<'_>>();
    free::<GetAll<'_, '_>>();
    free::<HeaderName<'_>>();
    free::<Headers<'_>>();
    free::<Items<'_>>();
    free::<Iter<'_>>();
    free::<Packet<'_>>();
    free::<Pairs<'_>>();
    free::<Request<'_>>();
    free::<Vars<'_>>();
    free::<VarsBuf>();
    free::<VarsEncoder<'_, [u8]>>();
    free::<VarsEncoder<'_, ArrayVec<u8, 16>>>();
    free::<VarsEncoder<'_, Vec<u8>>>();
    free::<HeaderPolicy>();

    plain::<ContentErrorKind>();
    plain::<ControlVar>();
    plain::<DecodeErrorKind>();
    plain::<EncodeErrorKind>();
    plain::<Foreign>();
    plain::<Header>();
    plain::<Limits>();
    plain::<Modifier1>();
    plain::<PayloadForm>();
    plain::<RequestFraming>();
    plain::<Scheme>();
    plain::<Standing>();

    error::<ContentError<'_>>();
    error::<DecodeError>();
    error::<EncodeError>();
    error::<FramingError>();
}

/// These types stay small: errors travel in every `Result` of the decoder, and views are copied often.
#[test]
fn errors_and_views_stay_small() {
    assert!(size_of::<DecodeError>() <= 16);
    assert!(size_of::<Result<(), DecodeError>>() <= 16);
    assert!(size_of::<EncodeError>() <= 3 * size_of::<usize>());
    assert_eq!(size_of::<FramingError>(), 1);
    assert_eq!(size_of::<Option<FramingError>>(), 1);
    assert_eq!(size_of::<Modifier1>(), 1);
    assert_eq!(size_of::<Header>(), 4);
    assert!(size_of::<RequestFraming>() <= 16);
    assert!(size_of::<Packet<'_>>() <= 3 * size_of::<usize>());
    assert_eq!(size_of::<Vars<'_>>(), 3 * size_of::<usize>());
    assert_eq!(size_of::<Iter<'_>>(), 3 * size_of::<usize>());
    // Nineteen located vars, the vars themselves, the modifiers.
    assert!(size_of::<Request<'_>>() <= 44 * size_of::<usize>(), "{}", size_of::<Request<'_>>());
}
