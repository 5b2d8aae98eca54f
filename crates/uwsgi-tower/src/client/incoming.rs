//! The body of a response, as a stream of frames.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use alloc::boxed::Box;
use bytes::{Buf, Bytes};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;
use uwsgi::client::BodyStep as Step;

use crate::client::error::ClientError;
use crate::client::exchange_driver::ExchangeDriver;
use crate::upgrade::{self, Upgraded};

/// The body of a response. While this body is read, the client sends the rest of the request's body. It is an error if the
/// response's body ends before its declared length.
///
/// It is also an error if the rest of the request cannot be sent: the last bytes of this body come only after the whole request
/// is sent. After an error or a redirect they do not wait for the request.
#[derive(Debug, Default)]
pub struct Incoming {
    driver: Option<SyncWrapper<Box<ExchangeDriver>>>,
    /// The number of bytes that are left, if it is known.
    left: Option<u64>,
    /// The last bytes, which wait until the request is sent. They may be empty.
    last: Option<Bytes>,
}

/// The next part of a body.
enum Next {
    Data(Bytes),
    End,
    Fail(ClientError),
    /// More has to be read.
    Pending,
}

impl Incoming {
    /// Makes a response whose body is read by the driver, or whose connection is upgraded.
    pub(crate) fn response(driver: ExchangeDriver, response: Response<()>) -> Response<Self> {
        let (mut parts, ()) = response.into_parts();
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let (extension, sender) = upgrade::channel();
            parts.extensions.insert(extension);
            // This cannot fail: the receiver is in the extensions.
            let _ = sender.send(Upgraded::of_client(driver.io, driver.buffer.freeze()));
            return Response::from_parts(parts, Self::default());
        }
        Response::from_parts(parts, Self::of(driver))
    }

    fn of(driver: ExchangeDriver) -> Self {
        let mut driver = Box::new(driver);
        if let Step::End { .. } = driver.exchange.body(&[], false) {
            // The connection of a response without a body is free at once.
            driver.end();
            return Self::default();
        }
        let left = driver.exchange.incoming();
        Self { driver: Some(SyncWrapper::new(driver)), left, last: None }
    }

    /// Returns the next part of the body from what was read. Ends the exchange after the last part, if the request is sent.
    fn next(&mut self) -> Next {
        let Some(driver) = &mut self.driver else { return Next::End };
        let driver = driver.get_mut();
        match driver.exchange.body(&driver.buffer, driver.eof) {
            Step::Body { skip, take } => {
                driver.buffer.advance(skip);
                let bytes = driver.buffer.split_to(take).freeze();
                self.left = driver.exchange.incoming();
                // The end is known without another read, and a caller that knows the length does not poll for it.
                if self.left == Some(0) {
                    return self.end(bytes);
                }
                // The bytes may have been chunk framing only.
                if bytes.is_empty() { Next::Pending } else { Next::Data(bytes) }
            }
            Step::End { skip } => {
                driver.buffer.advance(skip);
                self.end(Bytes::new())
            }
            Step::Fail(error) => {
                self.driver = None;
                Next::Fail(ClientError::Answer(error))
            }
            Step::Need(_) | Step::Send | Step::Upgraded => Next::Pending,
        }
    }

    /// Ends the body with these bytes. If the request is not sent yet, the bytes wait until it is.
    fn end(&mut self, bytes: Bytes) -> Next {
        if self.driver.as_mut().is_some_and(|driver| driver.get_mut().must_send_more()) {
            self.left = self.left.map(|_| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            self.last = Some(bytes);
            return Next::Pending;
        }
        if let Some(driver) = self.driver.take() {
            driver.into_inner().end();
        }
        if bytes.is_empty() { Next::End } else { Next::Data(bytes) }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let this = self.get_mut();
        loop {
            if let (Some(driver), true) = (&mut this.driver, this.last.is_some()) {
                if let Err(error) = ready!(driver.get_mut().poll_finish(cx)) {
                    (this.driver, this.last) = (None, None);
                    return Poll::Ready(Some(Err(error)));
                }
            }
            let next = match this.last.take() {
                Some(last) => this.end(last),
                None => this.next(),
            };
            match next {
                Next::Data(bytes) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Next::End => return Poll::Ready(None),
                Next::Fail(error) => return Poll::Ready(Some(Err(error))),
                Next::Pending if this.last.is_some() => continue,
                Next::Pending => {}
            }
            let Some(driver) = this.driver.as_mut() else { return Poll::Ready(None) };
            if let Err(error) = ready!(driver.get_mut().poll_progress(usize::MAX, cx)) {
                this.driver = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.driver.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.driver, self.left) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Some(left)) => SizeHint::with_exact(left),
            (Some(_), None) => SizeHint::default(),
        }
    }
}
