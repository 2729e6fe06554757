//! The tests are in the folders beside this file; the library is empty.
