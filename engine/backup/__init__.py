"""Backups: database, pictures and the secret key, in a folder or below a prefix of a bucket.

    installation.json                           whose backups these are
    backups/20261130T210501Z/manifest.json      one backup; written last, so that what has one is whole
    backups/20261130T210501Z/database.dump
    backups/20261130T210501Z/pictures.jsonl.gz  which pictures and files belong to it
    backups/20261130T210501Z/secret_key
    pictures/p/<project>/images/…               pictures and files under their keys in storage, shared by all backups

With a key file, everything is encrypted: the names above end in `.encrypted`, and pictures are under
`encrypted/<key's ID>/…`, by names that do not tell what they are. Nothing is ever changed after it was written.
"""
