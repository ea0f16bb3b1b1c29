"""OpenID Connect: login of people (authorization code with PKCE), and access tokens of programs."""
