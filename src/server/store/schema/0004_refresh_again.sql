-- An answer with new tokens can be lost on its way, so the refresh token before it is taken once more, soon after.
-- parent: the digest of the refresh token that this one came for. again: when a replaced token was taken once more, or
-- when an unused one was given up for that.
ALTER TABLE login_tokens ADD COLUMN parent TEXT;
ALTER TABLE login_tokens ADD COLUMN again BIGINT;
