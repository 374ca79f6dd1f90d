"""Programs that stand outside the product and speak to it only through its public surfaces (DESIGN 6).

Publish, receive, call, demo. Nothing here may import services, http, gateway, media, store or engines.
"""
