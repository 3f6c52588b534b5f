-- Under which policies an invocation was judged: a wait is not answered by a yes when they have changed since.
ALTER TABLE invocations ADD COLUMN policy_set TEXT;
