//! Encoding, into a slice and into an `ArrayVec`.

use uwsgi::{ArrayEncoder, EncodeError, EncodeErrorKind, HeaderPolicy, Modifier1, Packet, Vars, VarsEncoder};

/// The functions are the same for both buffers, and each is proven for each buffer, because the compiler makes two functions of
/// it. The message of the linker names the module.
macro_rules! encoders {
    ($module:ident $buffer:ty) => {
        mod $module {
            use super::*;

            type Encoder<'b> = VarsEncoder<'b, $buffer>;
            type Items<'b> = ArrayEncoder<'b, $buffer>;
            type Done<'b> = Result<&'b [u8], EncodeError>;

            proven! {
                fn vars_new(buffer: &mut $buffer, policy: HeaderPolicy) -> Encoder<'_> {
                    VarsEncoder::with_policy(buffer, policy)
                }
                fn vars_push(vars: &mut Encoder<'_>, key: &[u8], value: &[u8]) -> Result<(), EncodeError> {
                    vars.push(key, value)
                }
                fn vars_push_raw(vars: &mut Encoder<'_>, key: &[u8], value: &[u8]) -> Result<(), EncodeError> {
                    vars.push_raw(key, value)
                }
                fn vars_drop(vars: Encoder<'_>) -> () {
                    drop(vars)
                }
                fn vars_push_number(vars: &mut Encoder<'_>, key: &[u8], value: u64) -> Result<(), EncodeError> {
                    vars.push_number(key, value)
                }
                fn vars_push_header(vars: &mut Encoder<'_>, name: &[u8], value: &[u8]) -> Result<(), EncodeError> {
                    vars.push_header(name, value)
                }
                fn vars_push_all(vars: &mut Encoder<'_>, all: Vars<'_>) -> Result<(), EncodeError> {
                    vars.push_all(all)
                }
                fn vars_payload<'a>(vars: &'a Encoder<'_>) -> &'a [u8] {
                    vars.payload()
                }
                fn vars_encoded_len(vars: &Encoder<'_>) -> usize {
                    vars.encoded_len()
                }
                fn vars_finish<'b>(vars: Encoder<'b>, modifier1: Modifier1, modifier2: u8) -> Done<'b> {
                    vars.finish(modifier1, modifier2)
                }
                fn array_new(buffer: &mut $buffer) -> Items<'_> {
                    ArrayEncoder::new(buffer)
                }
                fn array_push(array: &mut Items<'_>, item: &[u8]) -> Result<(), EncodeError> {
                    array.push(item)
                }
                fn array_push_as_uwsgi(array: &mut Items<'_>, item: &[u8]) -> Result<(), EncodeError> {
                    array.push_as_uwsgi(item)
                }
                fn array_push_number(array: &mut Items<'_>, item: u64) -> Result<(), EncodeError> {
                    array.push_number(item)
                }
                fn array_encoded_len(array: &Items<'_>) -> usize {
                    array.encoded_len()
                }
                fn array_finish<'b>(array: Items<'b>, modifier1: Modifier1, modifier2: u8) -> Done<'b> {
                    array.finish(modifier1, modifier2)
                }
                fn packet_encode<'b>(packet: &Packet<'_>, buffer: &'b mut $buffer) -> Done<'b> {
                    packet.encode(buffer)
                }
            }

            pub(super) fn run(buffer: &mut $buffer, bytes: &[u8]) {
                let packet = crate::packet(bytes);
                call! { packet_encode: &packet, &mut *buffer; }
                for policy in [HeaderPolicy::default(), HeaderPolicy::default().allow_underscores(true)] {
                    let mut vars = vars_new(&mut *buffer, policy);
                    call! {
                        vars_push: &mut vars, b"PATH_INFO", bytes;
                        vars_push: &mut vars, bytes, b"";
                        vars_push: &mut vars, b"REQUEST_METHOD", bytes;
                        vars_push: &mut vars, b"HTTP_TRANSFER_ENCODING", bytes;
                        vars_push_raw: &mut vars, b"CONTENT_LENGTH", bytes;
                        vars_push_number: &mut vars, b"CONTENT_LENGTH", u64::MAX;
                        vars_push_header: &mut vars, b"X_Forwarded-For", b"203.0.113.9";
                        vars_push_header: &mut vars, b"Content-Length", bytes;
                        vars_push_header: &mut vars, b"Proxy", bytes;
                        vars_push_header: &mut vars, b"Cookie", bytes;
                        vars_push_all: &mut vars, packet.vars().unwrap_or(Vars::EMPTY);
                        vars_payload: &vars;
                        vars_encoded_len: &vars;
                    }
                    call! { vars_finish: vars, Modifier1::WSGI, 0; }
                    let vars = vars_new(&mut *buffer, policy);
                    call! { vars_drop: vars; }
                }
                let mut array = array_new(&mut *buffer);
                call! {
                    array_push: &mut array, bytes;
                    array_push_as_uwsgi: &mut array, b"";
                    array_push_number: &mut array, 10;
                    array_encoded_len: &array;
                }
                call! { array_finish: array, Modifier1::RPC, 0; }
            }
        }
    };
}

encoders!(slice[u8]);

// An `ArrayVec` subtracts its length from its capacity. The length is never larger, but the optimizer does not know that. So
// with checked arithmetic there is a path to a panic.
#[cfg(not(checked))]
encoders!(array_vec arrayvec::ArrayVec<u8, 1024>);

proven! {
    fn header_policy(proxy: bool, underscores: bool, chunked: bool) -> HeaderPolicy {
        HeaderPolicy::default().allow_proxy(proxy).allow_underscores(underscores).allow_chunked(chunked)
    }
    fn encoded_len(vars: &[(&[u8], &[u8])]) -> usize {
        uwsgi::encoded_len(vars.iter().copied())
    }
    fn encode_error(error: &EncodeError) -> (EncodeErrorKind, bool, [Option<usize>; 3]) {
        (error.kind(), error.is_forbidden(), [error.required(), error.available(), error.position()])
    }
}

pub(crate) fn run(bytes: &[u8]) {
    call! {
        header_policy: true, false, true;
        encoded_len: &[(b"A", bytes), (bytes, b"B")];
    }
    if let Err(error) = Packet::new(Modifier1::WSGI, 0, &[0; 65536]) {
        call! { encode_error: &error; }
    }
    // With no room, with room for the header only, with some room, and with enough.
    for room in [0, 4, 100, 70_000] {
        slice::run(&mut vec![0; room], bytes);
    }
    #[cfg(not(checked))]
    for used in [0, 1000, 1021, 1024] {
        let mut buffer = arrayvec::ArrayVec::new();
        buffer.extend(std::iter::repeat_n(0, used));
        array_vec::run(&mut buffer, bytes);
    }
}
