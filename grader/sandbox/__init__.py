"""Running a submission: frames, the guest process, and the session that talks to it."""
