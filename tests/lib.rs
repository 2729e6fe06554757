//! The tests are in the folders beside this file; there is nothing to import.
