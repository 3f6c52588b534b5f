//! What stands in a FROM list, and where the columns come from that it gives.

/// What a subquery, a CTE or a RETURNING list gives to whoever selects from it.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    /// Each column and where it comes from: index of an access, name.
    pub outputs: Vec<(String, Vec<Origin>)>,
    /// Tables whose whole rows are among the outputs.
    pub stars: Vec<usize>,
    /// Every table inside.
    pub bases: Vec<usize>,
}

/// Index of an access, and the name of a column of its table.
pub type Origin = (usize, String);

#[derive(Debug, Clone)]
pub enum Source {
    Table(usize),
    Derived(Derived),
}

/// Something in a FROM list, by the name it is called there.
#[derive(Debug, Clone)]
pub struct Relation {
    pub name: String,
    pub source: Source,
}

impl Relation {
    /// How much there is to go through.
    pub fn size(&self) -> usize {
        match &self.source {
            Source::Table(_) => 1,
            Source::Derived(derived) => derived.size(),
        }
    }

    pub fn table(&self) -> Option<usize> {
        match self.source {
            Source::Table(index) => Some(index),
            Source::Derived(_) => None,
        }
    }

    pub fn bases(&self) -> Vec<usize> {
        match &self.source {
            Source::Table(index) => vec![*index],
            Source::Derived(derived) => derived.bases.clone(),
        }
    }

    pub fn column(&self, name: &str) -> Vec<Origin> {
        match &self.source {
            Source::Table(index) => vec![(*index, name.to_owned())],
            Source::Derived(derived) => derived.column(name),
        }
    }

    pub fn whole(&self) -> Vec<Origin> {
        match &self.source {
            Source::Table(index) => vec![(*index, "*".to_owned())],
            Source::Derived(derived) => derived.all(),
        }
    }
}

impl Derived {
    pub fn size(&self) -> usize {
        1 + self.stars.len() + self.bases.len() + self.outputs.iter().map(|(_, from)| 1 + from.len()).sum::<usize>()
    }

    pub fn has(&self, name: &str) -> bool {
        self.outputs.iter().any(|(output, _)| output == name)
    }

    pub fn column(&self, name: &str) -> Vec<Origin> {
        let mut origins: Vec<Origin> =
            self.outputs.iter().filter(|(output, _)| output == name).flat_map(|(_, o)| o.clone()).collect();
        origins.extend(self.stars.iter().map(|index| (*index, name.to_owned())));
        origins
    }

    pub fn all(&self) -> Vec<Origin> {
        let mut origins: Vec<Origin> = self.outputs.iter().flat_map(|(_, o)| o.clone()).collect();
        origins.extend(self.stars.iter().map(|index| (*index, "*".to_owned())));
        origins
    }

    /// Other names for the columns, from the left.
    pub fn rename(&mut self, names: Vec<&str>) {
        if names.is_empty() {
            return;
        }
        if !self.stars.is_empty() {
            // Which column gets which name is not in the text.
            let everything = self.all();
            self.outputs.extend(names.iter().map(|name| ((*name).to_owned(), everything.clone())));
            return;
        }
        for (output, name) in self.outputs.iter_mut().zip(names) {
            output.0 = name.to_owned();
        }
    }
}
