//! What every store must do, as one function that each implementation's tests call.
