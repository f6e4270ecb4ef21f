"""One network -> tables: what each latent carries, measured face by face."""
