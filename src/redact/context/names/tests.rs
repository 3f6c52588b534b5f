use super::*;

#[test]
fn names_of_secrets_are_told_from_names_about_secrets() {
    for name in "password DB_PASSWORD dbPassword db.password rolpassword smtp_pass ldap_bind_pw Password2 PGPASSWORD pw password_hash wifiPSK pw_md5 password_sha256".split(' ') {
        assert_eq!(says(name.as_bytes()), Some(Says::Surely), "{name}");
    }
    for name in "apiKey API-KEY X-Api-Key APIKey secretAccessKey aws_access_key_id API_KEY_PROD jwt_secret refreshToken accessKey STRIPE_KEY".split(' ') {
        assert_eq!(says(name.as_bytes()), Some(Says::Likely), "{name}");
    }
    for name in "keys secret_santa token_count password_changed_at password_policy token_type secretName password_file max_tokens page_token monkey compass keyboard author bypass tokenizer passwordMinLength public_key cache_key sort-key primaryKey checksum/secret key_sha256".split(' ') {
        assert_eq!(says(name.as_bytes()), None, "{name}");
    }
}
