//! The tests of this package are in `it`; its programs are what they kill.
