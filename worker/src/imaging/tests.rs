//! Files made here, whole and broken.
