"""The media server: how audio, speech, agent, telephony and console meet the decision core."""
