"""Files that hold credentials, as their tools read and write them."""

import configparser
import csv
import io
import json
import plistlib
import xml.etree.ElementTree as xml

import yaml

from .case import add, values
from .values import TOKENS

KEYS = ["DB_PASSWORD", "SMTP_PASS", "ADMIN_PASSWORD", "SECRET_KEY_BASE", "JWT_SECRET", "API_KEY", "ENCRYPTION_KEY", "CLIENT_SECRET", "AUTH_TOKEN", "REDIS_PASSWORD", "SIGNING_KEY", "ACCESS_TOKEN"]


def named(n, *more):
    """A key's name and a value of its kind."""
    v = values("file", n, *more)
    if n % 3 == 0:
        kind = v.pick(list(TOKENS))
        return v, TOKENS[kind][0], v.token(kind)
    key = v.pick(KEYS)
    return v, key, v.pick([v.password(), v.passphrase(), v.secret(40)]) if "PASS" in key else v.secret(v.number(24, 64))


def structured():
    for n in range(12):
        v, key, word = named(n, "json")
        low = key.lower()
        camel = low.split("_")[0] + "".join(p.title() for p in low.split("_")[1:])
        doc = [{"db": {"host": "db", low: word, "port": 5432}}, {"settings": [{"name": key, "value": word}, {"name": "LEVEL", "value": "info"}]}, {camel: word, "enabled": True},
               {"env": {key: word, "PATH": "/usr/bin"}}, {"items": [{"key": low, "value": word}, {"key": "size", "value": "4"}]}, {"log": json.dumps({low: word})}][n % 6]
        text = json.dumps(doc, indent=None if n % 2 else 2)
        add("json", "json", text + "\n", word)
        out = yaml.safe_dump(doc, default_flow_style=n % 4 == 3, default_style=['"', None, "'", None][n % 4])
        if word in out:
            add("yaml", "yaml", out, word)
    for n in range(8):
        v, key, word = named(n, "yaml-block")
        low, other = key.lower(), v.secret(30)
        text = [f"{low}: |\n  {word}\nlevel: info\n", f"{low}: >-\n  {word}\nlevel: info\n", f"- name: {key}\n  value: {word}\n- name: LEVEL\n  value: info\n", f"- value: '{word}'\n  name: {key}\n",
                f'{low}:\n  "{word}"\nlevel: info\n', f"{{{low}: {word}, level: info}}\n", f"secrets:\n  - {word}\n  - {other}\nlevel: info\n", f"users:\n  bob:\n    password: {word}\n    groups: [admin]\n"][n]
        add("yaml-scalars", "yaml", text, word, *([other] if other in text else []))
    for n in range(6):
        v, key, word = named(n, "ini")
        parser = configparser.ConfigParser()
        parser.optionxform = str
        parser["server"] = {"host": "db", "port": "5432"}
        parser["auth"] = {[key.lower(), key][n % 2]: word.replace("%", "x")}
        out = io.StringIO()
        parser.write(out, space_around_delimiters=n % 2 == 0)
        add("ini", "ini", out.getvalue(), word.replace("%", "x"))
        add("toml", "toml", f'title = "app"\n\n[auth]\n{key.lower()} = {[chr(34), chr(39), chr(34) * 3][n % 3]}{word}{[chr(34), chr(39), chr(34) * 3][n % 3]}\nretries = 3\n', word)
        add("properties", "properties", f"# made by hand\nspring.datasource.url=jdbc:postgresql://db/app\nspring.datasource.{['password', 'secret-key'][n % 2]}{['=', ' = ', ': '][n % 3]}{word}\nserver.port=8080\n", word)
    for n in range(8):
        v, key, word = named(n, "xml")
        low = key.lower()
        root = xml.Element("configuration")
        xml.SubElement(root, "host").text = "db"
        if n % 4 == 0:
            xml.SubElement(root, low).text = word
        elif n % 4 == 1:
            xml.SubElement(root, "add", key=key, value=word)
        elif n % 4 == 2:
            xml.SubElement(root, "dataSource", url="jdbc:x", **{["password", "accessKey"][n // 4]: word})
        else:
            prop = xml.SubElement(root, "property")
            xml.SubElement(prop, "name").text = f"app.{low}"
            xml.SubElement(prop, "value").text = word
        if n % 2:
            xml.indent(root)
        add("xml", "xml", xml.tostring(root, encoding="unicode") + "\n", word)
        if n < 2:
            out = plistlib.dumps({"Label": "app", ["Password", "APIToken"][n]: word}).decode()
            add("plist", "xml", out, word)
    for n in range(6):
        v, key, word = named(n, "csv")
        out = io.StringIO()
        writer = csv.writer(out, delimiter=[",", ";", "\t"][n % 3], quoting=[csv.QUOTE_MINIMAL, csv.QUOTE_ALL][n % 2])
        email = v.email()
        writer.writerows([["id", "name", [key.lower(), "password"][n % 2], "email"], [1, v.name(), word, email], [2, v.name(), "", ""]])
        add("csv", "csv", out.getvalue(), word, email)


def make():
    structured()
