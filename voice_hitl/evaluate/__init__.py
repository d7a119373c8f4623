"""`voice-hitl evaluate`: how good each part is on data of yours, beside baselines."""
