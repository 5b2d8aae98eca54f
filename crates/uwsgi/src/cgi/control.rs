//! The vars that uWSGI obeys as commands.

/// The meaning of a var that begins with `UWSGI_` (`uwsgi_parse_vars`, uWSGI 2.0).
///
/// A server built on this crate ignores these vars, except `UWSGI_SCHEME`. A gateway drops all of them. A peer that can connect
/// to the socket of a uWSGI 2.0 can run code with `UWSGI_FILE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlVar {
    /// `UWSGI_APPID`: the key of the application to run.
    AppId,
    /// `UWSGI_CACHE_GET`: a cache key whose value is the whole response.
    CacheGet,
    /// `UWSGI_CALLABLE`: the name of the application in its module.
    Callable,
    /// `UWSGI_CHDIR`: a directory to change to.
    Chdir,
    /// `UWSGI_FASTROUTER_KEY`: the backend that uWSGI's fastrouter picks.
    FastrouterKey,
    /// `UWSGI_FILE`: a file to load and run.
    File,
    /// `UWSGI_HOME`: a Python home to load an application with.
    Home,
    /// `UWSGI_MODULE`: a Python module to load.
    Module,
    /// Any other name that begins with `UWSGI_`.
    Other,
    /// `UWSGI_POSTFILE`: a file that becomes the request's body.
    PostFile,
    /// `UWSGI_PYHOME`: a Python home to load an application with.
    PyHome,
    /// `UWSGI_ROUTER`: uWSGI's HTTP router sets it; no known program reads it.
    Router,
    /// `UWSGI_SCHEME`: `http` or `https`. [`Request::scheme`](crate::Request::scheme) reads this one only.
    Scheme,
    /// `UWSGI_SCRIPT`: a Python module to load.
    Script,
    /// `UWSGI_SETENV`: an environment variable to set in the worker process.
    SetEnv,
    /// `UWSGI_TOUCH_RELOAD`: a file whose change reloads the application.
    TouchReload,
}

impl ControlVar {
    /// The first bytes of all these keys.
    pub const PREFIX: &'static [u8] = b"UWSGI_";

    /// Returns the control var with this key; `None` for other vars.
    ///
    /// ```
    /// use uwsgi::ControlVar;
    ///
    /// assert_eq!(ControlVar::from_key(b"UWSGI_FILE"), Some(ControlVar::File));
    /// assert_eq!(ControlVar::from_key(b"UWSGI_NEW_IN_3"), Some(ControlVar::Other));
    /// assert_eq!(ControlVar::from_key(b"HTTP_UWSGI_FILE"), None);
    /// ```
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Self> {
        Some(match key.strip_prefix(Self::PREFIX)? {
            b"APPID" => Self::AppId,
            b"CACHE_GET" => Self::CacheGet,
            b"CALLABLE" => Self::Callable,
            b"CHDIR" => Self::Chdir,
            b"FASTROUTER_KEY" => Self::FastrouterKey,
            b"FILE" => Self::File,
            b"HOME" => Self::Home,
            b"MODULE" => Self::Module,
            b"POSTFILE" => Self::PostFile,
            b"PYHOME" => Self::PyHome,
            b"ROUTER" => Self::Router,
            b"SCHEME" => Self::Scheme,
            b"SCRIPT" => Self::Script,
            b"SETENV" => Self::SetEnv,
            b"TOUCH_RELOAD" => Self::TouchReload,
            _ => Self::Other,
        })
    }
}
