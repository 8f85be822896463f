//! Plans boot groups and runs them: from sessions and a kernel to transcripts.
