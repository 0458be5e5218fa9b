//! Where the capture of users goes on.
