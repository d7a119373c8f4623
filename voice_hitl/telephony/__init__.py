"""The carrier's side: Media Streams protocol, TwiML, signatures, tokens and the REST interface."""
