//! Byte layouts of fwctl and CXL Features: the only place that knows an offset.
