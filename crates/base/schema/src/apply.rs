//! Server-side apply and the tracking of all other writes.
